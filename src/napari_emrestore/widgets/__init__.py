"""Docks, readers, writers and menus: the only package that knows Qt, magicgui and napari.

In: what a person picks in napari, and layers. Out: layers, tables and files, made by the packages to the
right. Nothing is computed here: `layers` turns layers into frames and results into layers, `jobs` runs the
work off the main thread, each dock folder shows its state and passes clicks on.
"""
