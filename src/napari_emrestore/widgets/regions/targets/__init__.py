"""The part of the regions dock that goes to the microscope: place under the stage, files, visits.

In: the regions of the dock and which are selected. Out: files, regions from files, a stage that was driven.
"""
