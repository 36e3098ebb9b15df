#!/usr/bin/env python3
"""Makes a clone of this repository in which one kernel does more work than it must, for `bench compare` to find.

    ci/statistics/plant_slowdown.py FOLDER [--percent 5]

FOLDER must not exist. It gets a clone with the commit that is checked out here and one more commit on top, in which the
int8 convolution computes so many percent of its output pixels a second time, with the same results. Prints both
commits: what `bench compare --base --head`, run in FOLDER, is to be given.
"""

import argparse
import pathlib
import subprocess

KERNEL = "runtime/kernels/src/generic/conv_2d.rs"

# The beginning of the int8 kernel in that file, and how its product is called in it.
INT8 = "    Packed<i8, i8> for ConvInt<T, S, M, L>\n"
CALL = "        self.isa.vectorize(Product::<T, _, M, L> {\n"
PIXELS = "            pixels: pixels(&self.shape, &rows),\n"
END = "            output,\n        });\n"


def slowed(source, percent):
    before, kernel = source.split(INT8, 1)
    first, rest = kernel.split(CALL, 1)
    product, after = rest.split(END, 1)
    if PIXELS not in product:
        raise SystemExit(f"{KERNEL} has changed: adapt this script")
    twice = (
        "        let all = pixels(&self.shape, &rows);\n"
        f"        let again = all.start..all.start + all.len() * {percent} / 100;\n"
        "        for pixels in [all, again] {\n"
        "            let output = &mut output[..pixels.len() * self.shape.out_channels];\n"
    )
    product = product.replace(PIXELS, "            pixels,\n")
    return before + INT8 + first + twice + CALL + product + END + "        }\n" + after


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--percent", type=int, default=5)
    arguments = parser.parse_args()
    here = git(pathlib.Path(__file__).parent, "rev-parse", "--show-toplevel")
    base = git(here, "rev-parse", "HEAD")
    git(here, "clone", "--quiet", "--no-checkout", here, str(arguments.folder))
    git(arguments.folder, "checkout", "--quiet", "--detach", base)
    kernel = arguments.folder / KERNEL
    kernel.write_text(slowed(kernel.read_text(), arguments.percent))
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    git(arguments.folder, *who, "commit", "--quiet", "--all", "--message", "Compute some pixels twice")
    print("base", base)
    print("head", git(arguments.folder, "rev-parse", "HEAD"))


if __name__ == "__main__":
    main()
