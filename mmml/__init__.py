"Sentiment from speech: what was said, how it was said, and what was said just before."
__version__ = "0.1.0"
__all__ = ['load', 'run', 'open_corpus', 'MMML', 'Run', 'Flags', 'RunConfig', 'read_run']

_CONFIG = ('Flags', 'RunConfig', 'DataConfig', 'ModelConfig', 'TrainConfig', 'HardwareConfig', 'OutputConfig')
_MODULES = dict(load='models.processor', MMML='models.mmml', open_corpus='data.corpus', run='runs.run',
    Run='runs.folder', read_run='runs.folder', **dict.fromkeys(_CONFIG, 'runs.config'))
_MODELS = ('load', 'run', 'MMML', 'Run', 'read_run')
_METHODS = ('recordings', 'explain', 'pipeline') # they add methods to the model, and a task to transformers

def __getattr__(name): # on first use: importing torch takes seconds
    if name not in _MODULES: raise AttributeError(f'module mmml has no attribute {name!r}')
    from importlib import import_module
    from .core import paused_gc
    with paused_gc():
        value = getattr(import_module(f'mmml.{_MODULES[name]}'), name)
        if name in _MODELS:
            for module in _METHODS: import_module(f'mmml.inference.{module}')
    globals()[name] = value
    return value

def __dir__(): return sorted({*globals(), *_MODULES})
