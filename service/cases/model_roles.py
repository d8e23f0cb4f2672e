"""Models by the role that they have: names that stand for a version, for all sites or for one."""

from typing import Annotated

from msgspec import Meta, Struct

import classifier
from service.cases.model_files import ALL_SITES
from service.cases.models import Models
from service.cases.shadow import Shadow
from service.values.errors import ModelUnusable, NotFound

# For a site: no model of its own any more, but the one of all sites.
INSTALLATION = "installation"


class Roles(Struct, frozen=True):
    champion: Annotated[str, Meta(description="In use.")]
    challenger: Annotated[str | None, Meta(description="In shadow, and not in use.")]
    previous: Annotated[str | None, Meta(description="A rollback puts it in use.")]


class ModelRoles:
    """`site`: the site that a call is about, ALL_SITES for all of them."""

    def __init__(self, models: Models, shadow: Shadow) -> None:
        self.models = models
        self._shadow = shadow

    def of(self, site: str = ALL_SITES) -> Roles:
        try:
            previous = self.models.before(site)
        except ModelUnusable:  # the history is damaged, which the service says elsewhere
            previous = None
        return Roles(
            self.models.of(site).version,
            self.challenger(site),
            self.models.current.version if previous == "" else previous,
        )

    def named(self, name: str, site: str = ALL_SITES) -> str:
        """The version that a role stands for; "": that of all sites; the name itself if it is no role.

        A folder that has the name of a role comes first: an earlier release may have written it. Raises NotFound if no
        model has the role, and ModelUnusable.
        """
        if self.models.has(name):
            return name
        if name == INSTALLATION and site:
            return ""
        match name:
            case "champion":
                found: str | None = self.models.of(site).version
            case "challenger":
                found = self.challenger(site)
            case "previous":
                found = self.models.before(site)
            case _:
                return name
        if found is None:
            raise NotFound(f"no model is {name} now")
        return found

    def version(self, name: str, site: str = ALL_SITES) -> str:
        """The same, with the version of all sites for a site that takes theirs."""
        return self.named(name, site) or self.models.current.version

    async def opened(self, name: str, site: str = ALL_SITES) -> classifier.Model:
        """Raises NotFound and ModelUnusable."""
        return await self.models.opened(self.version(name, site), site)

    def challenger(self, site: str) -> str | None:
        """The model in shadow of the site. None also if that was promoted, because then nothing is compared."""
        setting = self._shadow.setting(site)
        return setting.model if setting and setting.model != self.models.of(site).version else None
