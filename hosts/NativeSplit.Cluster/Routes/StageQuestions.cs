using System.Collections.Concurrent;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Questions to workers about their stages that wait for an answer. An answer counts only on the connection that the question went out on.</summary>
/// <param name="time">Clock of the patience.</param>
internal sealed class StageQuestions(TimeProvider time)
{
    private readonly ConcurrentDictionary<Question, TaskCompletionSource<StageMessage>> _open = new();

    /// <summary>Asks, and waits for the answer. Who asks the same while an answer is awaited gets the same one.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: the worker is gone or didn't answer in time.</exception>
    public async Task<StageMessage> AskAsync(PeerConnection peer, StageMessage question, TimeSpan patience, CancellationToken cancellationToken)
    {
        var key = new Question(peer, question.Epoch, question.Stage, question is QueryStage);
        TaskCompletionSource<StageMessage> answer = _open.GetOrAdd(key, static _ => new TaskCompletionSource<StageMessage>(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await peer.SendAsync(question, cancellationToken).ConfigureAwait(false);
            Task first = await Task.WhenAny(answer.Task, peer.Ended).WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
            return first == answer.Task
                ? await answer.Task.ConfigureAwait(false)
                : throw new ClusterException(ClusterFault.NodeLost, (await peer.Ended.ConfigureAwait(false)).Message);
        }
        catch (TimeoutException e)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{peer.Peer.Node} didn't answer {question.GetType().Name} within {patience.TotalSeconds:0.#} s.", e);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{peer.Peer.Node} can't be asked: {e.Message}", e);
        }
        finally
        {
            _open.TryRemove(KeyValuePair.Create(key, answer));
        }
    }

    /// <summary>Takes an answer; one that nobody waits for any more is dropped.</summary>
    public void Accept(PeerConnection from, StageMessage answer)
    {
        if (_open.TryGetValue(new Question(from, answer.Epoch, answer.Stage, answer is StageReport), out TaskCompletionSource<StageMessage>? waiting))
        {
            waiting.TrySetResult(answer);
        }
    }

    private readonly record struct Question(PeerConnection Peer, ulong Epoch, ushort Stage, bool IsQuery);
}
