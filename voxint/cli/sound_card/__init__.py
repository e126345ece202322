"""The sound card of this machine, by the package sounddevice: the one place that knows PortAudio.

portaudio.py    what of sounddevice is used, its devices, and the rate that one agrees to
playback.py     what waits for a loudspeaker, and how much of it was heard; pure but for its lock
loudspeaker.py  plays pieces of speech
microphone.py   gives pieces of 20 ms
"""
