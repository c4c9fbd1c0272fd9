"""The base of the forms of rules."""

from typing import Any, ClassVar, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.urls import reverse
from django.utils.html import format_html

from mappings.admin.refusal import Refusal
from mappings.rules import LONGEST_NAME, fold
from tenants.admin import TenantForm

_NAMES: Final = ("target", "name")


class RuleForm(TenantForm):
    """A form of a rule. Names are compared folded; what the engine refused is told at its field.

    folded: fields that are kept folded. refusal: what was refused of the same input before.
    inline_tables: tables whose rows are in inlines, which tell of them.
    """

    inline_tables: ClassVar[tuple[str, ...]] = ()
    folded: ClassVar[tuple[str, ...]] = ()
    refusal: ClassVar[Refusal | None] = None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in (*self.folded, "project_key"):
            if len(values.get(name) or "") > LONGEST_NAME:
                self.add_error(
                    name, f"At most {LONGEST_NAME} characters; it has {len(values[name])}."
                )
        for name in self.folded:
            values[name] = fold(values.get(name) or "")
        for name in _NAMES:
            if values.get(name) and not fold(values[name]):
                self.add_error(name, "Give a name that can be seen.")
        return values

    def refuse_duplicate(self, other: Any) -> None:
        """Say which rule there is already."""
        meta = other._meta
        link = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(other.pk,))
        self.add_error(
            "from_name",
            ValidationError(
                format_html(
                    "There is a rule for this already: "
                    '<a class="etl-link" href="{}"><bdi>{}</bdi></a>. Capitals, spaces and signs '
                    "that are not seen make no difference.",
                    link,
                    other,
                )
            ),
        )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        refusal = self.refusal
        if refusal is None or refusal.table in self.inline_tables:
            return
        is_own = refusal.table == self._meta.model._meta.db_table
        field = refusal.field if is_own and refusal.field in self.fields else NON_FIELD_ERRORS
        self.add_error(field if field != NON_FIELD_ERRORS else None, refusal.message)
