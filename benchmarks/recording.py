"""How much memory does a long recording take, and how long?

    python benchmarks/recording.py [--model FOLDER] [--hours 3] [--transcript]

Joins clips of the bundled sample, with pauses, to an mp4 of so many hours, runs `mmml predict` on it in a process of its own, and prints its peak memory, its seconds and the rows.
--transcript: with subtitles, else the speech is found by voice activity detection. Without --model, with the bundled encoders and an untrained fusion of five layers.
"""
import argparse, resource, subprocess, sys, tempfile, time
from pathlib import Path
import av, numpy as np, pandas as pd, torch
from mmml.data.audio import decode
from mmml.data.spec import RATE, SAMPLE
from mmml.models.mmml import from_encoders, save_model

parser = argparse.ArgumentParser()
parser.add_argument('--model'); parser.add_argument('--hours', type=float, default=3.); parser.add_argument('--transcript', action='store_true')
a = parser.parse_args()
t = pd.read_csv(SAMPLE/'label.csv').query("mode == 'test'").head(100)
waves = [decode(SAMPLE/'raw'/v/f'{c}.mp4') for v, c in zip(t.video_id, t.clip_id)]
clock = lambda s: f'{int(s//3600):02}:{int(s//60%60):02}:{int(s%60):02},{int(s*1000%1000):03}'
with tempfile.TemporaryDirectory() as d:
    d = Path(d); at, cues = 0, []
    with av.open(str(d/'long.mp4'), 'w') as out:
        stream = out.add_stream('aac', rate=RATE); stream.layout = 'mono'
        while at < a.hours*3600*RATE:
            for w, text in zip(waves, t.text):
                cues.append(f'{len(cues) + 1}\n{clock(at/RATE)} --> {clock((at + len(w))/RATE)}\n{text}\n')
                x = np.concatenate([w, np.zeros(RATE//2, np.float32)]); at += len(x)
                frame = av.AudioFrame.from_ndarray(x[None], 'fltp', 'mono'); frame.sample_rate = RATE
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    (d/'long.srt').write_text('\n'.join(cues))
    if not a.model:
        torch.manual_seed(0); a.model = d/'model'
        save_model(a.model, *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio'))
    more = ['--transcript', str(d/'long.srt')] if a.transcript else []
    start = time.perf_counter()
    subprocess.run([sys.executable, '-m', 'mmml', 'predict', str(d/'long.mp4'), '--model', str(a.model), *more, '--output', str(d/'out.csv')],
        check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/2**20
    rows = pd.read_csv(d/'out.csv')
    print(f'{at/RATE/3600:.2f} h, {len(cues)} utterances, {"transcript" if a.transcript else "voices"}: {len(rows)} rows, the last ends at {rows.end.iloc[-1]/3600:.2f} h; '
        f'{time.perf_counter() - start:.0f} s, peak {peak:.2f} GiB')
