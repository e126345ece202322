"""The small voice detector of the browser client: its source, how its weights are fitted, and how good it is.

detector.ts  what is compiled to voxint/web/client/detector.wasm
weights.ts   its numbers, made by `fit`
"""
