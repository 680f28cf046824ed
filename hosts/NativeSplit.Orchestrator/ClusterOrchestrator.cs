using Microsoft.Extensions.Logging;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Routes;
using NativeSplit.Placement;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>The loop that adapts: measure, decide whether to keep, redistribute or re-split, and have the driver put the plan in force.</summary>
/// <remarks>The driver carries a decision out beside the plan that serves; when it can't, the old plan stays and the next decision waits for the dwell time.</remarks>
public sealed class ClusterOrchestrator : IAsyncDisposable
{
    /// <summary>Age at which a decision is made anew though nothing seems to have changed.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(15);

    private readonly PlanDriver _driver;
    private readonly OrchestratorOptions _options;
    private readonly IDecisionLog _decisions;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CapacityBook _book = new();
    private readonly ProblemBuilder _problems;
    private readonly Surveyor _surveyor;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _start;
    private readonly Task _loop;
    private IReadOnlyList<WorkerStatus> _workers = [];
    private HashSet<NodeId> _joined = [];
    private PolicyState _policy = PolicyState.Initial;
    private PlacementProblem? _lastProblem;
    private TimeSpan _lastDecision;
    private string? _lastTold;
    private Plan? _proposed;
    private Task? _proposal;
    private int _disposed;

    private ClusterOrchestrator(PlanDriver driver, OrchestratorOptions options, IDecisionLog decisions, ILogger log, TimeProvider time)
    {
        (_driver, _options, _decisions, _log, _time) = (driver, options, decisions, log, time);
        _problems = new ProblemBuilder(options);
        _surveyor = new Surveyor(driver, options, log);
        _start = time.GetTimestamp();
        _book.Observe(options.Origin, options.OriginProfile, TimeSpan.Zero);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Ends when the loop does: faults when it can't go on.</summary>
    public Task Completion => _loop;

    /// <summary>Starts to adapt.</summary>
    /// <param name="driver">Puts plans in force; lent.</param>
    /// <param name="options">What to plan for.</param>
    /// <param name="decisions">Takes the decisions.</param>
    /// <param name="log">Takes what an operator should know.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="PlanException">The options make no valid placement problem.</exception>
    public static ClusterOrchestrator Start(PlanDriver driver, OrchestratorOptions options, IDecisionLog decisions, ILogger log, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(driver);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(decisions);
        ArgumentNullException.ThrowIfNull(time);
        var book = new CapacityBook();
        book.Observe(options.Origin, options.OriginProfile, TimeSpan.Zero);
        ProblemRules.ThrowIfInvalid(new ProblemBuilder(options).Build(book, [], null, 0));
        return new ClusterOrchestrator(driver, options, decisions, log, time);
    }

    /// <summary>Stops to adapt; the plan in force stays.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _surveyor.WhenIdleAsync().ConfigureAwait(false);
            _stop.Dispose();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                // Taken before the look, so that a change during it ends the next wait at once.
                Task changed = _driver.Changed;
                await LookAsync().ConfigureAwait(false);
                Decide();
                using var round = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                await Task.WhenAny(changed, Task.Delay(_options.Cycle, _time, round.Token)).ConfigureAwait(false);
                await round.CancelAsync().ConfigureAwait(false);
                _stop.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            _log.LogCritical(e, "The orchestrator failed; the plan in force stays.");
            throw;
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    private async Task LookAsync()
    {
        IReadOnlyList<WorkerStatus> workers = _driver.Workers;
        foreach (NodeId gone in _joined.Except(workers.Select(worker => worker.Node)))
        {
            _book.Forget(gone);
        }

        foreach (WorkerStatus worker in workers)
        {
            if (!_book.Knows(worker.Node) && worker.Profile is { } profile)
            {
                _book.Observe(worker.Node, profile, Now);
            }
        }

        _workers = workers;
        _joined = [.. workers.Select(worker => worker.Node)];
        try
        {
            _book.Observe(await _driver.Probe.ReadStagesAsync(_stop.Token).ConfigureAwait(false), Now);
        }
        catch (ClusterException e)
        {
            // The driver is told of the loss too, and ends the wait of this loop when it has acted.
            _log.LogInformation("A stage couldn't be asked how it does: {Reason}", e.Message);
        }

        HashSet<NodeId> busy = [.. _book.Nodes.Where(node => node.Decode.Source == SampleSource.Stage && Now - node.Decode.Time < CapacityBook.StageFreshness).Select(node => node.Node)];
        if (_surveyor.Step([.. _joined], busy, Now, _stop.Token) is { } survey && _joined.Contains(survey.Node))
        {
            _book.Observe(survey.Node, survey.Reading.Profile, Now);
            foreach (LinkFacts link in survey.Reading.Links.Append(survey.Here))
            {
                _book.Observe(link, Now);
            }
        }
    }

    private void Decide()
    {
        if (_proposal is { IsCompleted: false })
        {
            if (!IsPossible())
            {
                // A worker of the proposed plan has left meanwhile: another plan must be found.
                _proposal = null;
            }
            else
            {
                return;
            }
        }

        if (_proposal is { IsFaulted: true } failed)
        {
            _log.LogWarning("The decision can't be carried out: {Reason}", failed.Exception!.InnerException!.Message);
        }

        _proposal = null;
        PlacementProblem problem = _problems.Build(_book, _workers, _driver.Current, _driver.Path.LiveTokens);
        TriggerCause trigger = Trigger.Look(_lastProblem, problem, Now - _lastDecision, MaxAge);
        if (trigger == TriggerCause.None)
        {
            return;
        }

        (_lastProblem, _lastDecision) = (problem, Now);
        if (problem.Migration is null)
        {
            PlanFirst(problem);
        }
        else
        {
            Revise(problem, trigger);
        }
    }

    private bool IsPossible() => _proposed!.Segments.All(segment => segment.Node == _options.Origin || _joined.Contains(segment.Node));

    private void PlanFirst(PlacementProblem problem)
    {
        PlacementResult result = PlacementSolver.Solve(problem, _options.Policy.Budget);
        DecisionRecord record = DecisionRecord.OfFirst(_time.GetUtcNow(), problem, result);
        Tell(record);
        Plan? plan = (result as PlacementResult.Placed)?.Plan ?? (result as PlacementResult.OutOfTime)?.Best?.Plan;
        if (plan is not null)
        {
            Propose(plan);
        }
    }

    private void Revise(PlacementProblem problem, TriggerCause trigger)
    {
        (Decision decision, _policy) = DecisionPolicy.Decide(problem, _policy, Now, _options.Policy);
        Tell(DecisionRecord.Of(_time.GetUtcNow(), trigger, problem, decision));
        if (decision.Kind is DecisionKind.Redistribute or DecisionKind.Resplit)
        {
            Propose(decision.Plan);
        }
    }

    private void Propose(Plan plan)
    {
        _proposed = plan;
        _proposal = _driver.Propose([plan]);

        // Looked at by the next cycle; an outcome that nobody waits for is no unobserved exception.
        _ = _proposal.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    private void Tell(DecisionRecord record)
    {
        if (record.Kind == DecisionKind.Keep)
        {
            _log.LogDebug("Keep: {Cause} ({Trigger}).", record.Cause, record.Trigger);
        }
        else if ($"{record.Kind}: {record.Plan}. {string.Join(' ', record.Faults)}" is var told && told != _lastTold)
        {
            // A cluster that is stuck says the same every few seconds.
            _lastTold = told;
            _log.LogInformation("{Decision} ({Trigger})", told, record.Trigger);
        }

        _decisions.Write(record);
    }
}
