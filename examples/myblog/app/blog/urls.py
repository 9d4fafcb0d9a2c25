"""The blog's addresses."""

from django.urls import path

from blog import views

urlpatterns = [
    path("index/", views.index, name="index"),
    path("article/<int:article_id>", views.article, name="article"),
    path("article/edit/<int:article_id>", views.edit, name="edit"),
]
