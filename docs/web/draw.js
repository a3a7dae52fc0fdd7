// Draws what an exported CGAN makes of latents and a class, by onnxruntime-web.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";

const LATENT_DIM = 64;
const NUM_SLIDERS = 8;
const CLASSES = [
  "T-shirt", "trousers", "pullover", "dress", "coat",
  "sandal", "shirt", "sneaker", "bag", "boot",
];

const find = (id) => document.getElementById(id);
const latents = new Float32Array(LATENT_DIM);
const sliders = [];
let session;
let drawing = Promise.resolve();

async function draw() {
  const label = Number(find("classes").value);
  const started = performance.now();
  const { images } = await session.run({
    latents: new ort.Tensor("float32", latents, [1, LATENT_DIM]),
    labels: new ort.Tensor("int32", Int32Array.of(label), [1]),
  });
  const [, height, width] = images.dims;
  find("picture").src = toPicture(images.data, height, width);
  const milliseconds = Math.round(performance.now() - started);
  find("status").textContent = `${CLASSES[label]}, ${width} × ${height}, in ${milliseconds} ms`;
}

// Gray pixels as the address of a PNG.
function toPicture(pixels, height, width) {
  const canvas = document.createElement("canvas");
  [canvas.height, canvas.width] = [height, width];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  pixels.forEach((level, index) => image.data.set([level, level, level, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// One after the other: a session runs once at a time.
function redraw() {
  drawing = drawing.then(draw).catch((error) => {
    find("status").textContent = error.message;
  });
}

function standardNormal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}

function buildControls() {
  CLASSES.forEach((name, index) => find("classes").add(new Option(name, index)));
  for (let index = 0; index < NUM_SLIDERS; index++) {
    const slider = Object.assign(document.createElement("input"), {
      type: "range", min: -3, max: 3, step: 0.05, value: 0,
    });
    slider.addEventListener("input", () => {
      latents[index] = Number(slider.value);
      redraw();
    });
    const label = document.createElement("label");
    label.append(`latent ${index + 1}`, slider);
    find("sliders").append(label);
    sliders.push(slider);
  }
  find("classes").addEventListener("change", redraw);
  find("another").addEventListener("click", () => {
    latents.forEach((_, index) => { latents[index] = standardNormal(); });
    sliders.forEach((slider, index) => { slider.value = latents[index]; });
    redraw();
  });
}

buildControls();
try {
  session = await ort.InferenceSession.create("clothes.onnx");
  redraw();
} catch (error) {
  find("status").textContent =
    `The model clothes.onnx could not be loaded (${error.message}). Export it beside this page.`;
}
