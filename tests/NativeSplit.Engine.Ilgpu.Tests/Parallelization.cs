// All tests share one device, which takes one of them at a time; the processor's OpenCL driver takes all cores.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
