"""Creates the customers of an old POS in Clopos: once, within the quota, every row accounted for.

The path of a row, one stage a file, one public function a stage:

    read → mapping → clean → validate → dedupe → plan → send → results

`pipeline` is the route, `cli` the command around it, `clopos` the API, `sandbox` a local Clopos to
try things on, `journal` what was meant and what became of it.
"""

__version__ = "0.1.0"
