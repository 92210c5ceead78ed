"""How many clips the service of `mmml demo --serve` predicts in a second, with and without batches.

    python benchmarks/load.py [--model FOLDER] [--requests 200] [--at_once 16]

Starts the service in this process (an untrained model with the bundled encoders without --model), sends requests with clips of the
sample, and checks that each gets its own answer, which is that of `predict`. Exit status 1 if one is lost or wrong.
"""
import argparse, socket, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx, torch, uvicorn

from mmml.data.spec import SAMPLE
from mmml.inference.demo import make_app
from mmml.models.mmml import from_encoders, save_model
from mmml.models.processor import load

def untrained(folder):
    torch.manual_seed(0)
    save_model(folder, *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio'))
    return load(folder)

def measure(model, most, jobs, at_once):
    "Answers to the jobs (path, text), in order, and seconds."
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(make_app(model, most), host='127.0.0.1', port=port, log_level='warning'))
    thread = threading.Thread(target=server.run, daemon=True); thread.start()
    while not server.started: time.sleep(.05)
    with httpx.Client(base_url=f'http://127.0.0.1:{port}', timeout=120, limits=httpx.Limits(max_connections=at_once)) as client:
        def send(job):
            a = client.post('/predict', files=dict(audio=('clip.mp4', job[0])), data=dict(text=job[1]))
            return a.json()['heads']['M']['value'] if a.status_code == 200 else a.text
        send(jobs[0])
        with ThreadPoolExecutor(at_once) as pool:
            start = time.perf_counter(); answers = [*pool.map(send, jobs)]
            seconds = time.perf_counter() - start
    server.should_exit = True; thread.join()
    return answers, seconds

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--model'); parser.add_argument('--requests', type=int, default=200); parser.add_argument('--at_once', type=int, default=16)
    a = parser.parse_args()
    clips = sorted((SAMPLE/'raw').rglob('*.mp4'))
    jobs = [(clips[k%len(clips)].read_bytes(), f'It is number {k}.') for k in range(a.requests)]
    with tempfile.TemporaryDirectory() as tmp:
        model = load(a.model) if a.model else untrained(f'{tmp}/model')
        wrong = 0
        for most, name in ((1, 'one by one'), (a.at_once, f'batches of up to {a.at_once}')):
            answers, seconds = measure(model, most, jobs, a.at_once)
            lost = sum(not isinstance(x, float) for x in answers); wrong += lost
            print(f'{name}: {len(jobs)} requests, {a.at_once} at a time, {lost} lost, {len(jobs)/seconds:.1f} clips/s', flush=True)
            for k in range(0, len(jobs), 20):
                own = float(model.predict(str(clips[k%len(clips)]), jobs[k][1]))
                if not isinstance(answers[k], float) or abs(answers[k] - own) > 1e-3: wrong += 1; print(f'request {k}: {answers[k]}, expected {own}')
    return wrong > 0

if __name__ == '__main__': sys.exit(main())
