using System.CommandLine;
using NativeSplit.Host;
using NativeSplit.Host.Verbs;

RootCommand root = new("""
    NativeSplit runs one transformer model split by layers over several machines, joined by encrypted links.

    First steps:
      nativesplit demo                      three processes on this machine answer a question together
      nativesplit run "your text"           one process, no split
      nativesplit serve --plan plan.json    gateway of a cluster; prints how workers join
    """);
root.Add(RunVerb.Create());
root.Add(DemoVerb.Create());
root.Add(ServeVerb.Create());
root.Add(WorkerVerb.Create());
root.Add(TokenVerb.Create());
root.Add(NodeVerb.Create());
root.Add(ModelVerb.Create());
root.Add(LogitsVerb.Create());
root.Add(TokenizeVerb.Create());
root.Add(InspectVerb.Create());
root.Add(PlanVerb.Create());
root.Add(BenchVerb.Create());
root.Add(DevicesVerb.Create());

return await VerbRunner.InvokeAsync(root, args);
