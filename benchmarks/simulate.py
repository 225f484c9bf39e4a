"""How long a market takes to be made up, 3,000 names x 10 years unless told; one line of JSON."""

import json
import resource
import sys
import time

from podshop.simulator import simulate


def main(names="3000", years="10"):
    """Measure and print."""
    wall, cpu = time.perf_counter(), time.process_time()
    world = simulate(int(names), float(years), 7)
    told = {"names": int(names), "sessions": len(world.truth.days)}
    told |= {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    told |= {"rows": sum(frame.height for frame in world.tables.values())}
    told |= {"peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:3])
