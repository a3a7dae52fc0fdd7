"""Test that no weight changes while another operation still reads it.

TensorFlow orders reads and writes in the graph that it traces, but Grappler, its graph optimizer,
may drop this order. The tests therefore read the optimized graph. Comparing results is not enough:
a missing order changes the result of one trace in ten, or of one run in a hundred, and only on many
threads.
"""

import pytest
import tensorflow as tf
import tiny
from tensorflow.python.eager import context  # No public function returns the optimized graph.

from ganzoo import registry
from ganzoo.base import updates

# Every recipe is tested with its own settings, and with a penalty and a given update. The
# default is the cheapest. Grappler once dropped the order of the updates of CGAN.
DEFAULT = [("vanilla", "default", False)]
CASES = [
    pytest.param(
        family,
        recipe,
        settings,
        id="-".join([family.name, recipe, *settings.values()]),
        marks=[] if (family.name, recipe, bool(settings)) in DEFAULT else pytest.mark.slow,
    )
    for family in registry.families()
    for recipe, settings in [
        ("default", {}),
        ("default", {"regularizer": "r1_r2", "update": "simultaneous"}),
        ("paper", {}),
        ("paper", {"regularizer": "r1_r2", "update": "alternating"}),
    ]
]


def optimized_graph(function, *arguments):
    context.context().enable_run_metadata()
    try:
        function(*arguments)
        functions = context.context().export_run_metadata().function_graphs
    finally:
        context.context().disable_run_metadata()
    graphs = [one.post_optimization_graph for one in functions]
    return max(graphs, key=lambda graph: len(graph.node))


def nodes_before(graph):
    """Return, for each node, the names of all nodes that must run before it."""
    inputs = {
        node.name: [one.lstrip("^").split(":")[0] for one in node.input] for node in graph.node
    }

    def before(name):
        found, waiting = set(), [name]
        while waiting:
            new = set(inputs[waiting.pop()]) - found
            found |= new
            waiting += new
        return found

    return {name: before(name) for name in inputs}


def unordered(graph):
    """Return pairs of a node that writes a variable and a node that uses it in no fixed order."""
    resource = tf.resource.as_datatype_enum
    variables = {node.name for node in graph.node if node.attr["T"].type == resource}
    before = nodes_before(graph)
    users = {}
    for node in graph.node:
        for name in variables.intersection(node.input):
            users.setdefault(name, []).append(node)
    pairs = [
        (writer.name, user.name)
        for nodes in users.values()
        for writer in nodes
        for user in nodes
        if writer.op.startswith(("Assign", "ResourceApply")) and user is not writer
    ]
    assert pairs
    return [(one, two) for one, two in pairs if two not in before[one] and one not in before[two]]


@pytest.mark.parametrize(("family", "recipe", "settings"), CASES)
def test_reads_and_writes_of_a_step_are_ordered(family, recipe, settings):
    gan = family.build_test_model(seed=2, recipe=recipe)
    gan.compile(**settings, **({"content": "pixel"} if family.task == "super_resolution" else {}))
    data = tuple(tf.constant(array) for array in tiny.make_data(gan, 4))
    assert unordered(optimized_graph(tf.function(gan.train_step), data)) == []


@pytest.mark.slow
def test_missing_control_dependencies_are_detected(monkeypatch):
    """Without `wait_for` the paper recipe of the CGAN has a race.

    If this test fails, Grappler no longer drops the order, and `wait_for` can be removed.
    """
    monkeypatch.setattr(updates, "wait_for", lambda losses, gradients: gradients)
    with pytest.raises(AssertionError, match="BiasAdd"):
        test_reads_and_writes_of_a_step_are_ordered(
            registry.get_family("cgan"), "paper", {"regularizer": "r1_r2"}
        )
