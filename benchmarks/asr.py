"""The word error rate of `mmml predict --asr` on real speech.

    python benchmarks/asr.py FOLDER MODEL      FOLDER has wav files and `transcription`, lines '<s> words </s> (name)'

Debian's pocketsphinx-testdata has such a folder: /usr/share/pocketsphinx/test/data/librivox.
"""
import re, sys
from pathlib import Path
from mmml.inference.recordings import transcribe

def words(s): return re.sub(r"[^a-z' ]", ' ', s.lower()).split()

def errors(true, found): # the edit distance of two lists of words
    row = list(range(len(found) + 1))
    for i, t in enumerate(true, 1):
        before, row[0] = row[0], i
        for j, f in enumerate(found, 1): before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (t != f))
    return row[-1]

folder, wrong, n = Path(sys.argv[1]), 0, 0
for line in (folder/'transcription').read_text().splitlines():
    text, name = re.match(r'(?:<s>)?\s*(.*?)\s*(?:</s>)?\s*\((\S+)\)', line).groups()
    found = words(' '.join(transcribe(folder/f'{name}.wav', sys.argv[2]).text))
    wrong += errors(words(text), found); n += len(words(text))
    print(name, ' '.join(found))
print(f'word error rate {wrong/n:.1%} ({wrong} of {n} words)')
