using NativeSplit.Model.Files;

namespace NativeSplit.Model.Tokenization;

/// <summary>Builds the tokenizer of a model file.</summary>
public static class TokenizerFactory
{
    /// <summary>Builds the tokenizer in the metadata of a GGUF file.</summary>
    /// <exception cref="ModelException">There is none, or one of an unsupported kind.</exception>
    public static Tokenizer FromGguf(IModelMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        throw new ModelException(ModelFault.Unsupported, $"{metadata.Source}: tokenizers aren't built in here.");
    }

    /// <summary>Builds the tokenizer in a Hugging Face directory.</summary>
    /// <exception cref="ModelException">There is none, or one of an unsupported kind.</exception>
    public static Tokenizer FromHuggingFace(string directory) =>
        throw new ModelException(ModelFault.Unsupported, $"{directory}: tokenizers aren't built in here.");
}
