"""How the admin looks: the settings of django-unfold."""

from typing import Any, Final

UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Engineering data",
    "SITE_HEADER": "Engineering data",
    "SITE_SUBHEADER": "etl_project.navigation.tenant_name",
    "SITE_SYMBOL": "conversion_path",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "ENVIRONMENT": "etl_project.navigation.environment",
    "SITE_DROPDOWN": "etl_project.navigation.tenant_choices",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "etl_project.navigation.favicon"}
    ],
    "SITE_ICON": "etl_project.navigation.tenant_logo",
    "STYLES": [
        "etl_project.navigation.stylesheet",
        "etl_project.navigation.site_stylesheet",
        "etl_project.navigation.bell_stylesheet",
    ],
    "SCRIPTS": ["etl_project.navigation.site_script", "etl_project.navigation.live_script"],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .013 230)",
            "100": "oklch(94.2% .03 230)",
            "200": "oklch(89% .058 230)",
            "300": "oklch(81.5% .1 231)",
            "400": "oklch(72% .135 233)",
            "500": "oklch(62% .15 240)",
            "600": "oklch(53.5% .155 246)",
            "700": "oklch(46.5% .14 248)",
            "800": "oklch(40.5% .115 250)",
            "900": "oklch(35.5% .09 251)",
            "950": "oklch(25.5% .065 252)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "etl_project.navigation.sidebar",
    },
    "LOGIN": {"form": "tenants.login.LoginForm"},
}
