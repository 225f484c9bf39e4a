"""`podshop verify DIR`: recompute the journal's hash chain, the fold and all laws."""

import argparse

from podshop.desk import output


def run(args: argparse.Namespace) -> int:
    """Check a folder; 1 when something was found."""
    from podshop.desk.verify import verify

    output.existing(args.folder)
    findings = verify(args.folder)
    for finding in findings:
        print(f"FOUND {finding}")
    if findings:
        print(f"\n{args.folder}: {len(findings)} found. Do not trade on it; restore a copy.")
        return 1
    print(f"{args.folder}: the chain, the books and all laws hold.")
    return 0
