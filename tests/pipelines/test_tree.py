from sklearn_meta.pipelines import Node, X

PCA = Node("pca", (X,), (("n_components", 0.5),))
TREE = Node("ridge", (Node("stack", (Node("svr", (PCA,)), Node("tree", (X,)))),))


def test_walk_gives_paths_that_lead_to_the_nodes():
    walked = list(TREE.walk())
    assert [node.operator for _, node in walked] == [
        "ridge", "stack", "svr", "pca", "X", "tree", "X",
    ]  # fmt: skip
    for path, node in walked:
        assert TREE.at(path) is node


def test_replacing_a_subtree_leaves_the_rest():
    new = TREE.replace_at((0, 0, 0), X)
    assert new == Node("ridge", (Node("stack", (Node("svr", (X,)), TREE.at((0, 1)))),))
    assert TREE.at((0, 0, 0)) == PCA
    assert TREE.replace_at((), PCA) == PCA


def test_size_counts_operators():
    assert X.size == 0
    assert Node("union", (X, PCA)).size == 1
    assert TREE.size == 5  # the stack counts


def test_param_of_a_node():
    assert PCA.param("n_components") == 0.5
    assert PCA.param("whiten", False) is False
