"""The blog lives below /blog/."""

from django.urls import include, path

urlpatterns = [path("blog/", include("blog.urls"))]
