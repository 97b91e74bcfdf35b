"""The command ``python -m sklearn_meta.maml.training``."""

from sklearn_meta.maml.training._command import main

if __name__ == "__main__":
    main()
