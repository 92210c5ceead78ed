"Sentiment from speech: what was said, how it was said, and what was said just before."
__version__ = "0.1.0"
__all__ = ['load', 'run', 'open_corpus', 'MMML', 'Run', 'Flags', 'RunConfig', 'read_run']

_CONFIG = ('Flags', 'RunConfig', 'DataConfig', 'ModelConfig', 'TrainConfig', 'HardwareConfig', 'OutputConfig')
_WHERE = dict(load='models.processor', MMML='models.mmml', open_corpus='data.corpus', run='runs.run',
    Run='runs.folder', read_run='runs.folder', **dict.fromkeys(_CONFIG, 'runs.config'))
_MODELS = ('load', 'run', 'MMML', 'Run', 'read_run')

def __getattr__(name): # on first use: importing torch takes seconds
    if name not in _WHERE: raise AttributeError(f'module mmml has no attribute {name!r}')
    from importlib import import_module
    globals()[name] = value = getattr(import_module(f'mmml.{_WHERE[name]}'), name)
    if name in _MODELS: # adds `predict`, `explain` and their kin to the model
        for module in ('recordings', 'explain'): import_module(f'mmml.inference.{module}')
    return value

def __dir__(): return sorted({*globals(), *_WHERE})

class _Pipelines: # registers the task 'speech-sentiment' when `transformers.pipelines` is imported
    def find_spec(self, name, path=None, target=None):
        if name != 'transformers.pipelines': return None
        import sys
        from importlib import import_module, util
        sys.meta_path.remove(self)
        spec = util.find_spec(name); run = spec.loader.exec_module
        def exec_module(module): run(module); import_module('mmml.inference.pipeline')
        spec.loader.exec_module = exec_module
        return spec

def _hook():
    import sys
    if 'transformers.pipelines' in sys.modules: from .inference import pipeline # noqa: F401
    elif not any(isinstance(f, _Pipelines) for f in sys.meta_path): sys.meta_path.insert(0, _Pipelines())

_hook()
