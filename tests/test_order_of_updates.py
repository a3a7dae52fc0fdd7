"""No weight may move while anything still reads it.

TensorFlow orders reads and writes in the graph it traces. What its optimizer of graphs makes of
that is looked at here, and not only whether results agree: an order that is missing shows in a
trace in ten, in a run in a hundred, on many threads.
"""

import pytest
import tensorflow as tf
import tiny
from tensorflow.python.eager import context  # Nothing public gives the optimized graph.

from ganzoo import registry, steps

# Families and recipes, with a penalty and as they are trained.
CASES = [
    pytest.param(family, recipe, game, id="-".join([family.name, recipe, *game.values()]))
    for family in registry.families()
    for recipe, game in [
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
    """For each node the names of all that must have run."""
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
    """Pairs of a node that writes a variable and another that uses it, in no order."""
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


@pytest.mark.parametrize(("family", "recipe", "game"), CASES)
def test_reads_and_writes_of_a_step_are_ordered(family, recipe, game):
    gan = family.build_smallest(seed=2, recipe=recipe)
    gan.compile(**game, **({"content": "pixel"} if family.restores else {}))
    data = tuple(tf.constant(array) for array in tiny.make_data(gan, 4))
    assert unordered(optimized_graph(tf.function(gan.train_step), data)) == []


def test_it_is_seen_where_updates_do_not_wait(monkeypatch):
    """The mended fault of the paper's CGAN: once it is not found here, `after` can go."""
    monkeypatch.setattr(steps, "after", lambda losses, gradients: gradients)
    with pytest.raises(AssertionError, match="BiasAdd"):
        test_reads_and_writes_of_a_step_are_ordered(
            registry.get_family("cgan"), "paper", {"regularizer": "r1_r2"}
        )
