"""The form behind the edit page."""

from django import forms

from blog.models import Article


class ArticleForm(forms.ModelForm):
    class Meta:
        model = Article
        fields = ("title", "content")
        labels = {"title": "标题", "content": "内容"}
