namespace NativeSplit.Model.Tests.Files;

/// <summary>Tests that map weights run one after another, so that each can find the count of mapped bytes as it left it.</summary>
[CollectionDefinition(nameof(MappedMemoryCollection), DisableParallelization = true)]
public sealed class MappedMemoryCollection;
