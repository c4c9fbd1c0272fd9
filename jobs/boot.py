"""What Dramatiq's worker processes import first: Django, and with it broker and actors."""

import django

django.setup()
