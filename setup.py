"Build mmml; every setting lives in `settings.ini`."
from configparser import ConfigParser
from pathlib import Path
import shlex

from setuptools import find_packages, setup

root = Path(__file__).parent
ini = ConfigParser(delimiters=['='])
ini.read(root/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
package = cfg['lib_path']

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    author=cfg['author'],
    keywords=cfg['keywords'].split(),
    license='Apache-2.0',
    url=cfg['git_url'],
    package_dir={'': '.'},  # so that an editable install is found from any folder, one that holds a checkout named mmml included
    packages=find_packages(include=[package, f'{package}.*']),
    package_data={package: ['published.csv', 'workshop/words.json', *(str(f.relative_to(root/package)) for d in ('sample', 'tiny')
                                               for f in sorted((root/package/d).rglob('*')) if f.is_file())]},
    python_requires=f">={cfg['min_python']}",
    install_requires=shlex.split(cfg['requirements']),
    extras_require={k.removesuffix('_requirements'): shlex.split(v) for k, v in cfg.items() if k.endswith('_requirements')},
    long_description=(root/'README.md').read_text(encoding='utf-8') if (root/'README.md').exists() else '',
    long_description_content_type='text/markdown',
    zip_safe=False,
    entry_points={
        'console_scripts': [s.strip() for s in cfg['console_scripts'].splitlines()],
        'nbdev': [f'{package}={package}._modidx:d'],
    },
)
