"""The blog's pages: the list, one article, and the form that writes one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from blog.forms import ArticleForm
from blog.models import Article

NEW = 0


def index(request: HttpRequest) -> HttpResponse:
    """List the articles, newest first."""
    return render(request, "blog/index.html", {"articles": Article.objects.all()})


def article(request: HttpRequest, article_id: int) -> HttpResponse:
    """Show one article."""
    return render(request, "blog/article.html", {"article": get_object_or_404(Article, pk=article_id)})


def edit(request: HttpRequest, article_id: int) -> HttpResponse:
    """Show the form for an article (0: a new one), or store what was sent."""
    existing = None if article_id == NEW else get_object_or_404(Article, pk=article_id)
    form = ArticleForm(request.POST or None, instance=existing)
    if request.method == "POST" and form.is_valid():
        stored = form.save()
        return redirect("article", article_id=stored.pk)
    return render(request, "blog/edit.html", {"form": form, "article_id": article_id})
