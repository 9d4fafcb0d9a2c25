"""The article with the kubectl of today."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from article import Article


class TestArticle(Article):
    version = "1.37"
    bind = "127.0.0.37"
