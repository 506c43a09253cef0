"""The files of checks, in the order in which their checks enter the registry and run."""

from . import _reproducible  # noqa: F401, I001
from . import _information  # noqa: F401
from . import _symmetry  # noqa: F401
from . import _progress  # noqa: F401
from . import _guarantees  # noqa: F401
from . import _network  # noqa: F401
from . import _training  # noqa: F401
from . import _numbers  # noqa: F401
from . import _problem  # noqa: F401
from . import _problem_constants  # noqa: F401
from . import _problem_data  # noqa: F401
