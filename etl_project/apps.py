from django.apps import AppConfig


class EtlProjectConfig(AppConfig):
    name = "etl_project"
