"""Write the age groups and genders of a folder of faces as one CSV file of labels.

    python scripts/label_faces.py faces labels.csv
    ganzoo train r3gan --data faces --labels labels.csv --out runs/faces

Each split of the folder (`train/`, `val/`) has a folder for each age group, such as `60+`, and a
file `labels.csv` with the columns `file` and `gender`.
"""

import argparse
import csv
import pathlib


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=pathlib.Path, help="folder with the splits")
    parser.add_argument("out", type=pathlib.Path, help="CSV file to write")
    arguments = parser.parse_args()
    rows = []
    for table in sorted(arguments.faces.glob("*/labels.csv")):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                age, _, _ = row["file"].partition("/")
                rows.append((f"{table.parent.name}/{row['file']}", age, row["gender"].lower()))
    with arguments.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "age", "gender"))
        writer.writerows(rows)
    print(f"{arguments.out}: {len(rows):,} images")


if __name__ == "__main__":
    main()
