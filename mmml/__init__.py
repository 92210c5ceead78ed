"Sentiment from speech: what was said, how it was said, and what was said just before."
__version__ = "0.1.0"
__all__ = ['load', 'run', 'open_corpus', 'MMML', 'Run', 'Flags', 'RunConfig', 'read_run']

_CONFIG = ('Flags', 'RunConfig', 'DataConfig', 'ModelConfig', 'TrainConfig', 'HardwareConfig', 'OutputConfig')
_WHERE = dict(load='models.processor', MMML='models.mmml', open_corpus='data.corpus', run='runs.run',
    Run='runs.folder', read_run='runs.folder', **dict.fromkeys(_CONFIG, 'runs.config'))

def __getattr__(name): # on first use: importing torch takes seconds
    if name not in _WHERE: raise AttributeError(f'module mmml has no attribute {name!r}')
    from importlib import import_module
    globals()[name] = value = getattr(import_module(f'mmml.{_WHERE[name]}'), name)
    return value

def __dir__(): return sorted({*globals(), *_WHERE})
