"""How many clips a second does prediction do: clip by clip through the processor, and by `predict_items`?

    python benchmarks/predict.py [--model FOLDER] [--clips 217] [--repeat 3]

Predicts clips of the bundled sample with their contexts, from mp4, and prints medians and their ratio. Without --model, with the bundled encoders and an untrained fusion of five layers.
"""
import argparse, statistics, tempfile, time
import pandas as pd, torch
import mmml
from mmml.data.spec import SAMPLE
from mmml.inference.predict import make_items
from mmml.models.mmml import from_encoders, save_model

parser = argparse.ArgumentParser()
parser.add_argument('--model'); parser.add_argument('--clips', type=int, default=217); parser.add_argument('--repeat', type=int, default=3)
a = parser.parse_args()
t = pd.read_csv(SAMPLE/'label.csv').query("mode == 'test'").sort_values(['video_id', 'clip_id']).head(a.clips).reset_index(drop=True)
t['place'] = t.groupby('video_id').cumcount()
t['file'] = [str(SAMPLE/'raw'/v/f'{c}.mp4') for v, c in zip(t.video_id, t.clip_id)]
with tempfile.TemporaryDirectory() as d:
    if not a.model:
        torch.manual_seed(0); a.model = d
        save_model(d, *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio'))
    model = mmml.load(a.model)
    def clip_by_clip():
        out = []
        with torch.no_grad():
            for i in range(len(t)):
                before = [(t.text[j], t.file[j]) for j in range(i - min(2, t.place[i]), i)]
                out.append(model(**model.processor(t.text[i], t.file[i], before)).predictions['M'].item())
        return out
    def together(): return model.predict_items(make_items(t.file, t.text, t.video_id)).M.tolist()
    def seconds(f): start = time.perf_counter(); out = f(); return time.perf_counter() - start, out
    times = {f.__name__: [seconds(f) for _ in range(a.repeat)] for f in (clip_by_clip, together)}
    s = {k: statistics.median(x for x, _ in v) for k, v in times.items()}
    gap = max(abs(x - y) for x, y in zip(times['clip_by_clip'][0][1], times['together'][0][1]))
    print(f"{len(t)} clips, {torch.get_num_threads()} threads: clip by clip {len(t)/s['clip_by_clip']:.1f} a second, together {len(t)/s['together']:.1f}; ratio "
        f"{s['clip_by_clip']/s['together']:.1f}; `together` also predicts each without text and without audio; largest difference {gap:.0e}")
