"""A site: one kind of lesion in one kind of image, and all that generic code must be told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from scripts.errors import BundleError

#: A coded concept: value, coding scheme, meaning (PS3.16).
CodeTriple = tuple[str, str, str]
#: What a data list says of a lesion at a site without classes.
LESION = "lesion"


@dataclass(frozen=True)
class Classes:
    """What a lesion can be diagnosed as.

    Attributes:
        names: the classes, in the order of the network's logits; none where a site knows no diagnosis.
        positive: the class whose probability is told and calibrated; "" where there are no classes.
        absent: what a data list says of an image without a lesion.
        none: what results say where no lesion was found.
        probability: column and key of the positive class's probability.
        threshold: probability from which a lesion of two classes is called positive.
    """

    names: Sequence[str] = ()
    positive: str = ""
    absent: str = "normal"
    none: str = "none"
    probability: str = "probability"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if self.names and self.positive not in self.names:
            known = ", ".join(self.names)
            raise BundleError(f'The positive class "{self.positive}" is none of {known}; mend the site.')

    @property
    def positive_index(self) -> int:
        """Where the positive class stands among the logits; 0 where there are no classes."""
        return self.names.index(self.positive) if self.names else 0

    @property
    def others(self) -> tuple[str, ...]:
        """The classes but the positive one."""
        return tuple(name for name in self.names if name != self.positive)

    @property
    def listed(self) -> tuple[str, ...]:
        """Every word that a data list may say."""
        return (*(self.names or (LESION,)), self.absent)

    @property
    def columns(self) -> dict[str, str]:
        """Columns of probabilities by class: of two classes the positive one's alone, of more every one's."""
        told = self.names if len(self.names) > 2 else self.names and (self.positive,)
        return {name: self.probability if name == self.positive else f"{name}_probability" for name in told}

    def decide(self, probabilities: Sequence[float]) -> str:
        """The class of a lesion: of two, the positive one from the threshold on; of more, the likeliest."""
        if len(self.names) == 2:
            other = self.names[1 - self.positive_index]
            return self.positive if probabilities[self.positive_index] >= self.threshold else other
        return self.names[max(range(len(self.names)), key=probabilities.__getitem__)]


@dataclass(frozen=True)
class Site:
    """What ``configs/sites/<name>.json`` says.

    Attributes:
        name: of the site and of its file.
        title: for people, such as "breast ultrasound".
        classes: what a lesion can be.
        colors: red, green, blue (0..255) by class (``lesion`` where there is none), and by the word of
            ``classes.none``.
        codes: DICOM codes by concept: ``procedure``, ``finding_site``, ``finding``, ``probability``, each class,
            and the terms of the lexicon: ``margin``, ``margin: spiculated``; private ones stand in for those left out.
        gray: whether colour is reduced to its luma before the network sees an image.
        part: reads ``lexicon``, ``prompts`` or ``augmentation`` of the file when it is first asked for: training
            alone needs them, and what they import takes its time.
    """

    name: str
    title: str
    classes: Classes
    colors: Mapping[str, Sequence[int]]
    codes: Mapping[str, CodeTriple]
    gray: bool = True
    part: Callable[[str], Any] | None = field(default=None, repr=False, compare=False)

    @property
    def lexicon(self) -> Any:
        """Its words and what they are measured by, a :class:`scripts.semantics.Lexicon`."""
        return self._read("lexicon")

    @property
    def prompts(self) -> Any:
        """The fixed prompt and the sentences around it, a :class:`scripts.semantics.Prompts`."""
        return self._read("prompts")

    @property
    def augmentation(self) -> Mapping[str, list[Any]]:
        """Random transforms of intensities, by stage: ``alignment``, ``training``."""
        return self._read("augmentation")

    def _read(self, name: str) -> Any:
        if self.part is None:
            raise BundleError(f'The site "{self.name}" was made without its {name}; read it with load_site.')
        return self.part(name)


def load_site(name: str, bundle_root: str | Path) -> Site:
    """Read a site by its name.

    Args:
        name: of a file in ``configs/sites``, without ``.json``.
        bundle_root: the bundle's folder; where it holds no sites, those beside this code are read.

    Raises:
        BundleError: there is no such site; the sentence names those there are.
    """
    # Exports and verifiers take the network from a config alone, in any working folder.
    folders = [root / "configs" / "sites" for root in (Path(bundle_root), Path(__file__).resolve().parents[1])]
    folder = next(filter(Path.is_dir, folders), folders[0])
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        raise BundleError(f'There is no site "{name}"; choose --site among: {", ".join(known)}.')
    parser = ConfigParser(ConfigParser.load_config_file(folder / f"{name}.json"))
    return replace(parser.get_parsed_content("site"), part=parser.get_parsed_content)
