# SPDX-License-Identifier: MIT
"""The project's own files, from git or, in an unpacked archive, from the tree below the working directory."""
import os
import pathlib
import subprocess

SKIPPED = {'build', 'node_modules', '.git'}


def files(*suffixes):
    """Paths relative to the top of the tree, sorted."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                            capture_output=True, check=False)
    if listed.returncode == 0 and os.path.exists('.git'):
        names = listed.stdout.decode().split('\0')
    else:
        names = [str(path) for path in pathlib.Path('.').rglob('*') if not SKIPPED & set(path.parts)]
    return sorted(name for name in names if name.endswith(suffixes) and os.path.isfile(name))
