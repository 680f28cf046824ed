using BenchmarkDotNet.Running;
using NativeSplit.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(KernelConfig).Assembly).Run(args, new KernelConfig());
