using NativeSplit.Model.Files;

namespace NativeSplit.Model.Tokenization;

/// <summary>Builds tokenizers from model files. Ids equal those of llama.cpp for GGUF and of Hugging Face tokenizers for <c>tokenizer.json</c>.</summary>
public static class TokenizerFactory
{
    /// <summary>Builds the tokenizer that a GGUF file carries (keys <c>tokenizer.ggml.*</c>).</summary>
    /// <param name="metadata">The metadata of the file.</param>
    /// <exception cref="ModelException">There is no tokenizer, its parts contradict each other, or it is of an unsupported kind.</exception>
    public static Tokenizer FromGguf(IModelMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return new VocabularyTokenizer(GgufTokenizerReader.Read(metadata));
    }

    /// <summary>Builds the tokenizer of a Hugging Face directory: <c>tokenizer.json</c>, with <c>tokenizer_config.json</c> and
    /// <c>special_tokens_map.json</c> where they are.</summary>
    /// <param name="directory">The directory.</param>
    /// <exception cref="ModelException">A file is missing, corrupt or of an unsupported kind.</exception>
    public static Tokenizer FromHuggingFace(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        return new VocabularyTokenizer(HuggingFaceTokenizerReader.Read(directory));
    }
}
