"""Does prediction from media files give the numbers of a run's predictions.csv?

    python benchmarks/from_media.py RUN...

Predicts the test split of each run from its mp4 files, each clip with its context, and prints the largest difference of each head, also of M without text and without audio.
"""
import sys, numpy as np
import mmml
from mmml.data.audio import extract_audio
from mmml.data.corpus import clip_files
from mmml.inference.predict import make_items

for folder in sys.argv[1:]:
    r = mmml.read_run(folder)
    corpus = extract_audio(mmml.open_corpus(r.flags['dataset'], r.flags['data_dir']), progress=False)
    t = corpus.table[corpus.table.place.notna()]
    files = clip_files(corpus.raw, t.video_id.unique())
    p = r.load().predict_items(make_items([files[v, c] for v, c in zip(t.video_id, t.clip_id)], t.text, t.video_id))
    p = p.set_index('item').loc[corpus.rows('test')].reset_index()
    columns = [c for c in (*r.heads, 'M without text', 'M without audio') if c in r.predictions]
    print(r.folder.name, len(p), 'utterances:', ', '.join(f'{c} {np.nanmax(np.abs(p[c] - r.predictions[c])):.0e}' for c in columns), flush=True)
