"""What runs inside of the environment of each system.

``python -m benchmarks.peers.adapters FOLDER`` reads a job from a folder and leaves the
predictions there. Nothing here imports more than NumPy and pandas, except for the
module of the system itself.
"""
