"`python -m mmml` is the command `mmml`."
from mmml.cli import main

if __name__ == '__main__': main()
