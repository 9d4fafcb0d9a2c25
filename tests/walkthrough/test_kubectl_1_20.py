"""The article with the kubectl its readers had."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from article import Article


class TestArticle(Article):
    version = "1.20"
    bind = "127.0.0.20"
