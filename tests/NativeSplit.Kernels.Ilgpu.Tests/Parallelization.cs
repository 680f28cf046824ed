// The emulator runs a group's 64 threads at once, and the processor's OpenCL driver takes all cores: tests beside each other only wait.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
