"""Kill `mmml predict` at random moments; the same command resumes it. Is the output that of a job that wasn't killed?

    python benchmarks/predict_kills.py --kills 20 [--clips 600]
"""
import argparse, random, subprocess, sys, tempfile, time
from pathlib import Path
import pandas as pd, torch
from mmml.data.spec import SAMPLE
from mmml.models.mmml import from_encoders, save_model

parser = argparse.ArgumentParser()
parser.add_argument('--kills', type=int, default=20); parser.add_argument('--clips', type=int, default=600)
a = parser.parse_args()
with tempfile.TemporaryDirectory() as d:
    d = Path(d); torch.manual_seed(0)
    save_model(d/'model', *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio'))
    t = pd.read_csv(SAMPLE/'label.csv').head(a.clips)
    files = [str(SAMPLE/'raw'/v/f'{c}.mp4') for v, c in zip(t.video_id, t.clip_id)]
    pd.DataFrame(dict(file=files, text=t.text, conversation=t.video_id)).to_csv(d/'in.csv', index=False)
    command = lambda out: [sys.executable, '-m', 'mmml', 'predict', '--model', str(d/'model'), str(d/'in.csv'), '--output', str(d/out)]
    start = time.time(); subprocess.run(command('whole.csv'), check=True, capture_output=True); seconds = time.time() - start
    rng, kills, finished = random.Random(0), 0, 0
    while kills < a.kills: # a job that ends is begun again, under another name
        out = f'{finished}.csv'
        p = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try: p.wait(rng.uniform(.2, seconds*.8)); finished += 1
        except subprocess.TimeoutExpired: p.kill(); p.wait(); kills += 1
    subprocess.run(command(f'{finished}.csv'), check=True, capture_output=True)
    same = [(d/f'{i}.csv').read_bytes() == (d/'whole.csv').read_bytes() for i in range(finished + 1)]
    left = [p.name for p in d.iterdir() if p.name.endswith('.job')]
    print(f'{kills} kills, {finished + 1} jobs of {len(t)} clips, equal to the one that was not killed: {sum(same)} of {len(same)}; work files left: {left}')
    sys.exit(not all(same) or bool(left))
