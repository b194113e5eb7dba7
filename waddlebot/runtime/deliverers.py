"""Who delivers to which platform now, on whatever host."""

from collections.abc import Iterator, Mapping

from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import Directory, Endpoint


class Deliverers(Mapping[str, Endpoint]):
    """The endpoints by platform, as the directory has them at the moment."""

    def __init__(self, manifests: Mapping[str, Module], directory: Directory) -> None:
        self._modules = {module.delivers: module.name for module in manifests.values() if module.delivers}
        self._directory = directory

    @property
    def platforms(self) -> tuple[str, ...]:
        """Every platform that some module could deliver to."""
        return tuple(self._modules)

    def __getitem__(self, platform: str) -> Endpoint:
        return self._directory[self._modules[platform]]

    def __iter__(self) -> Iterator[str]:
        return (platform for platform, module in self._modules.items() if module in self._directory)

    def __len__(self) -> int:
        return sum(1 for _ in self)
