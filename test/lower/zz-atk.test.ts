import { describe, it, expect } from "vitest";
import { check } from "/work/main/test/lower/stages.ts";
import { block, dims, func, iter, loop, gemm } from "/work/main/test/ir/build.ts";
import * as ir from "/work/main/src/ir/index.ts";
import { add, sub, mul, int, lt, le, ge, gt, and, or, ne, eq, floordiv, floormod, variable, buffer, load, store, seq, constant, where, select, cast, type Expr, type Stmt, type Var } from "/work/main/src/ir/index.ts";
const V=variable; const fc=(x:number)=>constant("f32",x);
const N=(name="n",min=0,max=4096)=>variable(name,"i32",{size:{min,max,multipleOf:1}});
const ceil=(a:Expr,b:number)=>floordiv(add(a,int(b-1)),int(b));
const vec=(v:Var,n:number,b:Stmt)=>loop(v,n,b,{loop:"vectorized"});
const unr=(v:Var,n:number,b:Stmt)=>loop(v,n,b,{loop:"unrolled"});
const rows=[0,1,2,3,5,7,8,9,15,16,17,31].map(n=>({sizes:{n}}));

describe("attack", () => {
  it("reverse reading of computed lanes (cascade across statements)", async () => {
    const n=N(); const A=buffer("A","f32",[n]),C=buffer("C","f32",[n]),B=buffer("B","f32",[n],"workspace");
    const [io,ii,ji]=[V("io"),V("ii"),V("ji")];
    // one tile: for io: { for ii vec8 (io*8+ii<n): B ; }, whole thing then C reversed within the same block of 8
    const [vi,vj]=[V("vi"),V("vj")];
    const i=add(mul(io,int(8)),ii), j=add(mul(io,int(8)),ji);
    const p=block("B",[iter(vi,n,i)],store(B,[vi],mul(load(A,[vi]),fc(2))),{predicate:lt(i,n)});
    const rev=add(sub(sub(ir.min(mul(add(floordiv(vj,int(8)),int(1)),int(8)),n),int(1)),vj),mul(floordiv(vj,int(8)),int(8)));
    const c=block("C",[iter(vj,n,j)],store(C,[vj],load(B,[rev])),{predicate:lt(j,n)});
    await check(func("f",[A],[C],loop(io,ceil(n,8),seq([vec(ii,8,p),vec(ji,8,c)])),{sizes:[n],intermediates:[B]}),...rows);
  });
  it("shifted writes of one array in serial loop around vector loop (order)", async () => {
    const n=N(); const A=buffer("A","f32",[int(4),n]),C=buffer("C","f32",[add(n,int(4))]);
    const [io,ii,k]=[V("io"),V("ii"),V("k")]; const [vi,vk,vz]=[V("vi"),V("vk"),V("vz")]; const z=V("z");
    const i=add(mul(io,int(8)),ii);
    const init=block("Z",[iter(vz,add(n,int(4)),z)],store(C,[vz],fc(0)));
    const c=block("C",[iter(vk,4,k,"ordered"),iter(vi,n,i)],store(C,[add(vi,vk)],load(A,[vk,vi])),{predicate:lt(i,n)});
    await check(func("f",[A],[C],seq([loop(z,add(n,int(4)),init),loop(io,ceil(n,8),loop(k,4,vec(ii,8,c)))]),{sizes:[n]}),...rows);
  });
  it("fused spatial and reduction loop with guard", async () => {
    const A=buffer("A","f32",dims(5,7)),C=buffer("C","f32",dims(5));
    const [fo,fi]=[V("fo"),V("fi")],[vi,vk]=[V("vi"),V("vk")]; const f=add(mul(fo,int(8)),fi);
    const b=block("C",[iter(vi,5,floordiv(f,int(7))),iter(vk,7,floormod(f,int(7)),"reduction")],store(C,[vi],add(load(C,[vi]),load(A,[vi,vk]))),{init:store(C,[vi],fc(0)),predicate:lt(f,int(35))});
    await check(func("f",[A],[C],loop(fo,5,loop(fi,8,b))));
  });
  it("nested vectorized", async () => {
    const A=buffer("A","f32",dims(4,8)),C=buffer("C","f32",dims(4,8));
    const [i,j]=[V("i"),V("j")],[vi,vj]=[V("vi"),V("vj")];
    const b=block("C",[iter(vi,4,i),iter(vj,8,j)],store(C,[vi,vj],add(load(A,[vi,vj]),fc(1))));
    await check(func("f",[A],[C],vec(i,4,vec(j,8,b))));
  });
  it("parallel", async () => {
    const A=buffer("A","f32",dims(4,8)),C=buffer("C","f32",dims(4,8));
    const [i,j]=[V("i"),V("j")],[vi,vj]=[V("vi"),V("vj")];
    const b=block("C",[iter(vi,4,i),iter(vj,8,j)],store(C,[vi,vj],add(load(A,[vi,vj]),fc(1))));
    await check(func("f",[A],[C],loop(i,4,vec(j,8,b),{loop:"parallel"})));
  });
  it("condition on a buffer written under it", async () => {
    const A=buffer("A","f32",dims(9)),C=buffer("C","f32",dims(9)),D=buffer("D","f32",dims(9));
    const i=V("i"),vi=V("vi");
    const b=block("C",[iter(vi,9,i)],seq([store(C,[vi],load(A,[vi])),store(D,[vi],fc(5)),{kind:"if",condition:gt(load(C,[vi]),fc(0)),then:seq([store(C,[vi],fc(-1)),store(D,[vi],where(gt(load(C,[vi]),fc(0)),fc(1),fc(2)))])}]));
    await check(func("f",[A],[C,D],loop(i,9,b)));
    const i2=V("i");
    await check(func("f",[A],[C,D],vec(i2,9,{...b,iters:[iter(vi,9,i2)],id:{name:"x"}})));
    const i3=V("i");
    await check(func("f",[A],[C,D],unr(i3,9,{...b,iters:[iter(vi,9,i3)],id:{name:"x"}})));
  });
  it("lets that read a buffer stored in their body", async () => {
    for (const kind of ["serial","unrolled","vectorized"] as const) for (const ext of [1,3,8,9,13]) {
      const A=buffer("A","f32",dims(ext)),C=buffer("C","f32",dims(ext)),D=buffer("D","f32",dims(ext));
      const i=V("i"),vi=V("vi"),t=variable("t","f32"),u=variable("u","f32");
      const body:Stmt=seq([store(C,[vi],load(A,[vi])),{kind:"let",var:t,value:load(C,[vi]),body:{kind:"let",var:u,value:add(t,fc(1)),body:seq([store(C,[vi],add(load(C,[vi]),u)),store(D,[vi],add(add(load(C,[vi]),t),u)),store(C,[vi],select(gt(t,fc(0)),u,load(C,[vi])))])}}]);
      await check(func("f",[A],[C,D],loop(i,ext,block("C",[iter(vi,ext,i)],body),{loop:kind})));
    }
  });
  it("lets around varying conditions", async () => {
    const A=buffer("A","f32",dims(8)),C=buffer("C","f32",dims(8));
    const i=V("i"),vi=V("vi"),t=variable("t","f32");
    const body:Stmt=seq([store(C,[vi],fc(0)),{kind:"let",var:t,value:mul(load(A,[vi]),fc(3)),body:{kind:"if",condition:lt(vi,int(5)),then:store(C,[vi],add(t,fc(1)))}}]);
    await check(func("f",[A],[C],vec(i,8,block("C",[iter(vi,8,i)],body))));
    const t2=variable("t"), i2=V("i"),vi2=V("vi");
    const body2:Stmt={kind:"let",var:t2,value:mul(vi2,vi2),body:store(C,[vi2],load(A,[floormod(mul(vi2,t2),int(8))]))};
    await check(func("f",[A],[C],vec(i2,8,block("C",[iter(vi2,8,i2)],body2))));
    const t3=variable("t"), i3=V("i"),vi3=V("vi"),k=V("k");
    const body3:Stmt=seq([store(C,[vi3],fc(0)),{kind:"let",var:t3,value:floormod(mul(vi3,int(3)),int(5)),body:loop(k,t3,store(C,[vi3],add(load(C,[vi3]),load(A,[k]))))}]);
    await check(func("f",[A],[C],vec(i3,8,block("C",[iter(vi3,8,i3)],body3))));
  });
  it("condition on a let bound in the loop", async () => {
    const A=buffer("A","i32",dims(20)),C=buffer("C","i32",dims(20));
    const i=V("i"),vi=V("vi"),t=variable("t");
    const body:Stmt={kind:"let",var:t,value:load(A,[vi]),body:store(C,[vi],where(lt(vi,t),int(7),int(9)))};
    await check(func("f",[A],[C],loop(i,20,block("C",[iter(vi,20,i)],body))));
    const i2=V("i");
    await check(func("f",[A],[C],vec(i2,20,block("C",[iter(vi,20,i2)],body))));
  });
  it("same loop variable in siblings", async () => {
    const A=buffer("A","f32",dims(20,8)),C=buffer("C","f32",dims(20,16));
    const [i,j]=[V("i"),V("j")],[vi,vj]=[V("vi"),V("vj")];
    const mk=(n:string,e:number)=>loop(j,e,block(n,[iter(vi,20,i),iter(vj,16,j)],store(C,[vi,vj],where(lt(add(vi,vj),int(19)),load(A,[vi,floormod(vj,int(8))]),fc(0)))));
    await check(func("f",[A],[C],loop(i,20,seq([mk("a",4),mk("b",16)]))));
  });
  it("triangular workspace", async () => {
    const n=N("n",0,64); const A=buffer("A","f32",[n]),C=buffer("C","f32",[n]),B=buffer("B","f32",[n],"workspace");
    const [i,j,k]=[V("i"),V("j"),V("k")],[vi,vj,vk,vi2]=[V("vi"),V("vj"),V("vk"),V("vi2")];
    const p=block("B",[iter(vj,n,add(i,j))],store(B,[vj],load(A,[vj])));
    const c=block("C",[iter(vi,n,i),iter(vk,n,add(i,k),"reduction")],store(C,[vi],add(load(C,[vi]),load(B,[vk]))));
    const z=block("Z",[iter(vi2,n,i)],store(C,[vi2],fc(0)));
    await check(func("f",[A],[C],loop(i,n,seq([loop(j,sub(n,i),p),z,loop(k,sub(n,i),c)])),{sizes:[n],intermediates:[B]}),...rows);
  });
  it("triangular workspace by predicate", async () => {
    const n=N("n",0,64); const A=buffer("A","f32",[n]),C=buffer("C","f32",[n]),B=buffer("B","f32",[n],"workspace");
    const [i,j,k]=[V("i"),V("j"),V("k")],[vi,vj,vk,vi2]=[V("vi"),V("vj"),V("vk"),V("vi2")];
    const p=block("B",[iter(vj,n,j)],store(B,[vj],load(A,[vj])),{predicate:le(j,i)});
    const c=block("C",[iter(vi,n,i),iter(vk,n,k,"reduction")],store(C,[vi],add(load(C,[vi]),load(B,[vk]))),{predicate:le(k,i)});
    const z=block("Z",[iter(vi2,n,i)],store(C,[vi2],fc(0)));
    await check(func("f",[A],[C],loop(i,n,seq([loop(j,n,p),z,loop(k,n,c)])),{sizes:[n],intermediates:[B]}),...rows);
  });
  it("empty workspace with a negative extent", async () => {
    const n=N("n",0,64); const A=buffer("A","f32",[mul(n,int(2)),int(100)]),C=buffer("C","f32",[n,int(100)]),B=buffer("B","f32",[mul(n,int(2)),int(100)],"workspace"), D=buffer("D","f32",[n],"workspace");
    const [i,j,q]=[V("i"),V("j"),V("q")],[vi,vj]=[V("vi"),V("vj")];
    const b=block("B",[iter(vi,mul(n,int(2)),mul(i,int(2))),iter(vj,100,j)],store(B,[vi,vj],load(A,[vi,vj])));
    const i2=V("i"),j2=V("j"),wi=V("vi"),wj=V("vj");
    const c=block("C",[iter(wi,n,i2),iter(wj,100,j2)],store(C,[wi,wj],load(B,[mul(wi,int(2)),wj])));
    await check(func("f",[A],[C],seq([loop(i,n,loop(j,100,b)),loop(i2,n,loop(j2,100,c))]),{sizes:[n],intermediates:[B]}),...rows);
  });
  it("partial stores to registers", async () => {
    const A=buffer("A","f32",dims(8)),C=buffer("C","f32",dims(8)),L=buffer("L","f32",dims(8),"local");
    const [i,j,k]=[V("i"),V("j"),V("k")],[vi,vj,vk]=[V("vi"),V("vj"),V("vk")];
    await check(func("f",[A],[C],seq([vec(i,2,block("a",[iter(vi,8,i)],store(L,[vi],load(A,[vi])))),vec(k,6,block("b",[iter(vk,8,add(k,int(2)))],store(L,[vk],mul(load(A,[vk]),fc(2))))),vec(j,8,block("c",[iter(vj,8,j)],store(C,[vj],load(L,[vj]))))]),{intermediates:[L]}));
  });
  it("two vectorized loops with unknown remainders under one", async () => {
    const n=N(),m=N("m"); const A=buffer("A","f32",[m,n]),C=buffer("C","f32",[n]),D=buffer("D","f32",[m]);
    const [io,ii,jo,ji]=[V("io"),V("ii"),V("jo"),V("ji")],[vi,vj]=[V("vi"),V("vj")];
    const i=add(mul(io,int(8)),ii), j=add(mul(io,int(4)),ji);
    const c=block("C",[iter(vi,n,i)],store(C,[vi],cast("f32",vi)),{predicate:lt(i,n)});
    const d=block("D",[iter(vj,m,j)],store(D,[vj],cast("f32",vj)),{predicate:lt(j,m)});
    const rs=[];for(const a of [0,1,4,7,9,16,19])for(const b of [0,1,3,5,8,11])rs.push({sizes:{n:a,m:b}});
    await check(func("f",[A],[C,D],loop(io,add(ceil(n,8),ceil(m,4)),seq([vec(ii,8,c),vec(ji,4,d)])),{sizes:[n,m]}),...rs);
  });
  it("negative bases", async () => {
    const A=buffer("A","f32",dims(16)),C=buffer("C","f32",dims(16));
    for (const kind of ["serial","vectorized","unrolled"] as const) {
    const i=V("i"),vi=V("vi");
    const b=block("C",[iter(vi,16,i)],store(C,[vi],add(where(ge(vi,int(3)),load(A,[sub(vi,int(3))]),fc(0)),where(lt(vi,int(13)),load(A,[add(vi,int(3))]),where(and(ge(vi,int(14)),lt(load(A,[vi]),fc(0))),load(A,[sub(vi,int(14))]),fc(1))))));
    await check(func("f",[A],[C],loop(i,16,b,{loop:kind}))); }
  });
  it("bool buffers, mixed masks", async () => {
    for (const ext of [1,3,16,17,37]) {
    const A=buffer("A","bool",dims(ext)),X=buffer("X","f64",dims(ext)),Y=buffer("Y","i8",dims(ext)),C=buffer("C","bool",dims(ext)),D=buffer("D","i16",dims(ext)),L=buffer("L","bool",dims(ext),"local");
    const i=V("i"),vi=V("vi"),j=V("j"),vj=V("vj");
    const p=block("L",[iter(vj,ext,j)],store(L,[vj],or(load(A,[vj]),lt(load(Y,[vj]),constant("i8",0)))));
    const b=block("C",[iter(vi,ext,i)],seq([store(C,[vi],and(load(L,[vi]),lt(load(X,[vi]),constant("f64",0)))),store(D,[vi],select(or(load(L,[vi]),ir.not(load(A,[vi]))),cast("i16",load(Y,[vi])),cast("i16",load(X,[vi]))))]));
    await check(func("f",[A,X,Y],[C,D],seq([vec(j,ext,p),vec(i,ext,b)]),{intermediates:[L]})); }
  });
  it("strided inputs", async () => {
    const n=N(); const A=buffer("A","f32",[int(5),n],"global",[int(3),int(20)]);
    const A2=buffer("A","f32",[int(5),int(7)],"global",[int(2),int(11)]),C=buffer("C","f32",dims(5,7));
    const [i,j]=[V("i"),V("j")],[vi,vj]=[V("vi"),V("vj")];
    const b=block("C",[iter(vi,5,i),iter(vj,7,j)],store(C,[vi,vj],load(A2,[vi,vj])));
    await check(func("f",[A2],[C],loop(j,7,vec(i,5,b))));
  });
  it("a register that a guarded loop leaves", async () => {
    const n=N(); const A=buffer("A","f32",[n]),C=buffer("C","f32",[n]),L=buffer("L","f32",[n],"local");
    const [io,ii,ji]=[V("io"),V("ii"),V("ji")],[vi,vj]=[V("vi"),V("vj")];
    const i=add(mul(io,int(8)),ii), j=add(mul(io,int(8)),ji);
    const p=block("L",[iter(vi,n,i)],store(L,[vi],mul(load(A,[vi]),fc(2))),{predicate:lt(i,n)});
    const c=block("C",[iter(vj,n,j)],store(C,[vj],load(L,[vj])),{predicate:lt(j,n)});
    for (const kind of ["vectorized","unrolled","serial"] as const)
    await check(func("f",[A],[C],loop(io,ceil(n,8),seq([loop(ii,8,p,{loop:kind}),loop(ji,8,c,{loop:kind})])),{sizes:[n],intermediates:[L]}),...rows);
  });
  it("in-place update of an output, shifted", async () => {
    for (const kind of ["vectorized","unrolled","serial"] as const) for (const e of [1,7,8,33]) {
    const A=buffer("A","f32",dims(e+2)),C=buffer("C","f32",dims(e+2));
    const [i,j]=[V("i"),V("j")],[vi,vj]=[V("vi"),V("vj")];
    const p=block("p",[iter(vi,e+2,i)],store(C,[vi],load(A,[vi])));
    const q=block("q",[iter(vj,e,j)],store(C,[vj],add(load(C,[vj]),load(C,[add(vj,int(2))]))));
    await check(func("f",[A],[C],seq([loop(i,e+2,p,{loop:kind}),loop(j,e,q,{loop:kind})]))); }
  });
  it("zero iterations of reductions and vectors, hoisting", async () => {
    const n=N(),A=buffer("A","f32",[n,int(8)]),B=buffer("B","f32",[n]),C=buffer("C","f32",dims(8));
    const [k,j]=[V("k"),V("j")],[vk,vj]=[V("vk"),V("vj")];
    const b=block("C",[iter(vj,8,j),iter(vk,n,k,"reduction")],store(C,[vj],add(load(C,[vj]),mul(load(A,[vk,vj]),load(B,[floordiv(vk,int(4))])))),{init:store(C,[vj],fc(0))});
    await check(func("f",[A,B],[C],loop(k,n,vec(j,8,b)),{sizes:[n]}),...rows);
  });
  it("gather with data-dependent index, in vector where", async () => {
    const I=buffer("I","i32",dims(13)),A=buffer("A","f32",dims(13)),C=buffer("C","f32",dims(13));
    const i=V("i"),vi=V("vi"); const ix=load(I,[vi]); const ok=and(ge(ix,int(0)),lt(ix,int(13)));
    await check(func("f",[I,A],[C],vec(i,13,block("C",[iter(vi,13,i)],store(C,[vi],where(ok,load(A,[ix]),fc(-1)))))));
    const i2=V("i");
    await check(func("f",[I,A],[C],vec(i2,13,block("C",[iter(vi,13,i2)],seq([store(C,[vi],fc(-1)),{kind:"if",condition:ok,then:store(C,[vi],load(A,[ix]))}])))));
  });
  it("huge unroll", () => {
    const A=buffer("A","f32",dims(1000000)),C=buffer("C","f32",dims(1000000));
    const i=V("i"),vi=V("vi");
    return expect(check(func("f",[A],[C],unr(i,1000000,block("C",[iter(vi,1000000,i)],store(C,[vi],load(A,[vi]))))))).rejects.toThrow(/unrolling loop i/);
  });
  it("huge vector", () => {
    const A=buffer("A","f32",dims(1000000)),C=buffer("C","f32",dims(1000000));
    const i=V("i"),vi=V("vi");
    return expect(check(func("f",[A],[C],vec(i,1000000,block("C",[iter(vi,1000000,i)],store(C,[vi],load(A,[vi]))))))).rejects.toThrow(/loop i/);
  });
});
