"""The WSGI application. The tables are made before the first request, by one replica while the others wait."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection

LOCK_SECONDS = 60

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myblog.settings")
application = get_wsgi_application()

with connection.cursor() as cursor:
    cursor.execute("SELECT GET_LOCK('myblog-migrate', %s)", [LOCK_SECONDS])
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        cursor.execute("SELECT RELEASE_LOCK('myblog-migrate')")
connection.close()
