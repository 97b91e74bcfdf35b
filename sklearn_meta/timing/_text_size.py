"""Size of the text of a table, which the seconds of its preparation depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._token_weights import BOTH, token_blocks

# Number of rows whose tokens are counted.
N_ROWS = 200

# Seconds of weighting one count, and of its column; and of one multiplication with a
# matrix of singular vectors, and of one step of their orthogonalization. Measured on
# 1 000 to 20 000 rows, 5 000 to 30 000 tokens, and 50 and 100 components.
WEIGHTING, COLUMN = 3e-8, 2e-7
MULTIPLICATION, ORTHOGONALIZATION = 4e-9, 1.2e-9


@dataclass(frozen=True)
class TextSize:
    """Number of tokens of a table, and how many of them a row has.

    Parameters
    ----------
    n_words, n_characters : int
        Number of columns with counts of word and of character n-grams.
    words_per_row, characters_per_row : float
        Mean number of nonzero counts of a row.
    """

    n_words: int
    n_characters: int
    words_per_row: float
    characters_per_row: float

    def blocks(self, tokens=BOTH) -> list[tuple[int, float]]:
        """Return the number of columns and the nonzeros of each block that is used.

        Parameters
        ----------
        tokens : {"words", "characters", "both"}, default="both"

        Returns
        -------
        blocks : list of (int, float)
        """
        sizes = {
            "words": (self.n_words, self.words_per_row),
            "characters": (self.n_characters, self.characters_per_row),
        }
        layout = Layout(
            self.n_words + self.n_characters,
            n_words=self.n_words,
            n_characters=self.n_characters,
        )
        return [sizes[name] for name, _ in token_blocks(layout, tokens)]

    def weighting_seconds(self, n_samples, tokens=BOTH) -> float:
        """Predict the seconds of TF-IDF weights.

        Parameters
        ----------
        n_samples : int
        tokens : {"words", "characters", "both"}, default="both"

        Returns
        -------
        seconds : float
        """
        return sum(
            WEIGHTING * n_samples * nonzeros + COLUMN * n_columns
            for n_columns, nonzeros in self.blocks(tokens)
        )

    def svd_seconds(self, n_samples, n_components, tokens=BOTH) -> float:
        """Predict the seconds of the singular vectors of each block.

        Parameters
        ----------
        n_samples, n_components : int
        tokens : {"words", "characters", "both"}, default="both"

        Returns
        -------
        seconds : float
        """
        return sum(
            MULTIPLICATION * n_samples * nonzeros * n_components
            + ORTHOGONALIZATION * (n_samples + n_columns) * n_components**2
            for n_columns, nonzeros in self.blocks(tokens)
        )


def text_size(dataset) -> TextSize | None:
    """Estimate the size of the text of a dataset from some of its rows.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    size : TextSize or None
        None without text.
    """
    schema = dataset.schema
    if not schema.has_text:
        return None
    rows = dataset.X[:: max(1, dataset.n_samples // N_ROWS)]
    first_character = schema.n_features - schema.n_characters
    ends = np.searchsorted(
        np.sort(rows.indices), [schema.n_leading, first_character, schema.n_features]
    )
    words, characters = np.diff(ends) / rows.shape[0]
    return TextSize(
        schema.n_words, schema.n_characters, float(words), float(characters)
    )
