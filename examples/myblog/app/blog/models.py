"""What the blog stores."""

from django.db import models


class Article(models.Model):
    """One article."""

    title = models.CharField(max_length=100)
    content = models.TextField(blank=True)
    published = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-published", "-id")

    def __str__(self) -> str:
        return self.title
