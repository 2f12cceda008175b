"""Graphs of definitions and of runs (SPEC Q11): `walk` finds what leads where, `ways` what of it a run took, `code`
reads the graph of a run whose workflow is Python code from its steps, `mermaid` and `dot` draw it."""

from stepwell.client.graph.code import code_graph as code_graph
from stepwell.client.graph.data import Graph as Graph
from stepwell.client.graph.data import graph_of as graph_of
from stepwell.client.graph.dot import dot as dot
from stepwell.client.graph.mermaid import definition_graph as definition_graph
from stepwell.client.graph.mermaid import label as label
from stepwell.client.graph.mermaid import mermaid as mermaid
from stepwell.client.graph.mermaid import run_graph as run_graph
